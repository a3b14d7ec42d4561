-- expect: expected an error's text, got a nil
error(nil)
