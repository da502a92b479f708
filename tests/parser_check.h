// A parser of records against a slow one, on every instruction set, with records that end at a page
// that may not be read.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "tests/example_spec.h"
#include "tests/guarded.h"

namespace weft::testing {

class ParserTest : public ::testing::Test {
 protected:
  void TearDown() override {
    base::set_isa(isa_);
    base::set_num_threads(threads_);
  }

  // parse(views of the records) has the outcome of reference(views); of one record, to the word.
  template <class Reference, class Parse>
  void check_against(const std::vector<std::string>& records, const Reference& reference,
                     const Parse& parse) {
    std::vector<std::unique_ptr<Guarded>> guarded;
    std::vector<std::string_view> views;
    for (const std::string& record : records) {
      guarded.push_back(std::make_unique<Guarded>(record));
      views.push_back(guarded.back()->view());
    }
    const std::string expected = outcome([&] { return reference(views); });
    ++(expected == "malformed" ? malformed_ : expected == "unfit" ? unfit_ : good_);
    for (base::Isa isa : {base::Isa::kPlain, base::Isa::kV2, base::Isa::kV3, base::Isa::kV4}) {
      if (isa > base::best_isa()) continue;
      base::set_isa(isa);
      const std::string found = outcome([&] { return parse(views); });
      ASSERT_TRUE(agree(found, expected)) << base::isa_name(isa) << "\n"
                                          << found << "\nexpected\n"
                                          << expected;
      if (views.size() == 1) {
        ASSERT_EQ(found, expected) << base::isa_name(isa);
      }
    }
  }

  // That no test is about one outcome alone.
  int good_ = 0, unfit_ = 0, malformed_ = 0;

 private:
  base::Isa isa_ = base::isa();
  int threads_ = base::num_threads();
};

}  // namespace weft::testing
