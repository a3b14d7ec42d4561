-- expect: does not end
for i = 1, math.huge do end
