-- expect: stack overflow
local t
t = setmetatable({}, { __concat = function(a, b) return t .. b end })
return t .. "x"
