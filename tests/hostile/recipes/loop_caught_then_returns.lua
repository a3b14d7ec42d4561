-- expect: does not end
pcall(function() while true do end end)
return require("cloudbuild").recipe { run = print }
