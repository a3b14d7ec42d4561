-- expect: expected a plain value, got function
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    return { cflags = function() end }
  end,
} }
