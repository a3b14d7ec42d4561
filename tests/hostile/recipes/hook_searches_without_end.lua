-- expect: the hook does not end
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  classify = function(log, job)
    while true do log:has(cb.re "(a|b)*a(a|b){12}c") end
  end,
} }
