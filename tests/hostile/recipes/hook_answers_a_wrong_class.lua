-- expect: expected a table such as
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  classify = function(log, job)
    return { class = "what\nis this" }
  end,
} }
