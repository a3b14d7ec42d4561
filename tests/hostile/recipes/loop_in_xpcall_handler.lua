-- expect: does not end
xpcall(function() error("x") end, function() while true do end end)
return require("cloudbuild").recipe { run = print }
