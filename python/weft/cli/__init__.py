"""The command line, `weft VERB ...`. It needs the extra: `pip install 'weft[cli]'`."""
