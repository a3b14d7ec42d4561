-- expect: expected a number that can be written, got
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    return { cflags = { append = math.huge } }
  end,
} }
