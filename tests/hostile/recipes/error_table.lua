-- expect: expected an error's text, got a table
error({ code = 1 })
