-- expect: `debug` is not there
return debug.info(1, "s")
