-- expect: `source` has no field `maintainer`
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    return { cflags = { append = source.maintainer } }
  end,
} }
