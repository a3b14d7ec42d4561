-- expect: expected at most 200000 values
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local tree = { 1, 1 }
    for _ = 1, 20 do tree = { tree, tree } end
    return { cflags = tree }
  end,
} }
