-- expect: the hook does not end
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local names = {}
    for at = 1, 1000 do names[at] = at end
    while true do table.sort(names, function(a, b) return a > b end) end
  end,
} }
