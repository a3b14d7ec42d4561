-- expect: expected at most 65536 bytes in all
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    while true do print(string.rep("x", 10000)) end
  end,
} }
