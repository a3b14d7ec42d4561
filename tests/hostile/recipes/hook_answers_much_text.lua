-- expect: bytes of text, got more
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local long = string.rep("x", 1000000)
    return { cflags = { long, long, long, long, long } }
  end,
} }
