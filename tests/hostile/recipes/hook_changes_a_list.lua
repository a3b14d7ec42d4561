-- expect: readonly
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    rawset(source.build_depends, 1, "other")
  end,
} }
