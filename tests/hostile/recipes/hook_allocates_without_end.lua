-- expect: MiB, got more
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local all = {}
    while true do all[#all + 1] = string.rep("x", 1000000) .. #all end
  end,
} }
