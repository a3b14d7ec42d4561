-- expect: MiB, got more
local cb = require "cloudbuild"
local kept = {}
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    for at = 1, 100 do kept[#kept + 1] = string.rep("x", 1000000) .. #kept end
  end,
} }
