-- expect: readonly
getmetatable("").__index = function() return "poisoned" end
