-- expect: nested more than 32 deep, or contains itself
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local flags = {}
    flags.cflags = flags
    return flags
  end,
} }
