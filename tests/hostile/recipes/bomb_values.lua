-- expect: expected at most 10000 values of `cb`
local cb = require "cloudbuild"
while true do cb.dir "x" end
