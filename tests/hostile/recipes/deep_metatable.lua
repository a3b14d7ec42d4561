-- expect: stack overflow
local t
t = setmetatable({}, { __index = function(_, key) return t[key .. "x"] end })
return t.x
