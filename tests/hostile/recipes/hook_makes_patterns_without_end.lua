-- expect: expected at most 100 patterns
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  classify = function(log, job)
    local count, last = 0, nil
    while true do
      count = count + 1
      last = cb.re("x{20}" .. count)
    end
  end,
} }
