-- expect: readonly
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    table.sort(source.build_depends)
  end,
} }
