-- expect: can only be called while `run` runs
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    return cb.import {}
  end,
} }
