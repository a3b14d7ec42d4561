-- expect: readonly
string.find = function() return 1 end
