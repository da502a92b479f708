// weft._core: one bind_<room>.cc per public header, in the headers' order.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace weft::python {

void bind_error(nb::module_& m);
void bind_config(nb::module_& m);
void bind_tensor(nb::module_& m);
void bind_ragged(nb::module_& m);
void bind_initializer(nb::module_& m);
void bind_gradient(nb::module_& m);
void bind_column(nb::module_& m);
void bind_record(nb::module_& m);
void bind_vocabulary(nb::module_& m);
void bind_example(nb::module_& m);
void bind_arrow(nb::module_& m);
void bind_dataset(nb::module_& m);
void bind_ids(nb::module_& m);
void bind_table(nb::module_& m);
void bind_sequence(nb::module_& m);
void bind_layer(nb::module_& m);
void bind_pooling(nb::module_& m);
void bind_rnn(nb::module_& m);
void bind_bidirectional(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_sampled_softmax(nb::module_& m);
void bind_metric(nb::module_& m);
void bind_optimizer(nb::module_& m);

}  // namespace weft::python

NB_MODULE(_core, m) {
  using namespace weft::python;
  m.doc() = "The compiled part of weft.";
  nb::set_leak_warnings(false);
  bind_error(m);
  bind_config(m);
  bind_tensor(m);
  bind_ragged(m);
  bind_initializer(m);
  bind_gradient(m);
  bind_column(m);
  bind_record(m);
  bind_vocabulary(m);
  bind_example(m);
  bind_arrow(m);
  bind_dataset(m);
  bind_ids(m);
  bind_table(m);
  bind_sequence(m);
  bind_layer(m);
  bind_pooling(m);
  bind_rnn(m);
  bind_bidirectional(m);
  bind_loss(m);
  bind_sampled_softmax(m);
  bind_metric(m);
  bind_optimizer(m);
}
