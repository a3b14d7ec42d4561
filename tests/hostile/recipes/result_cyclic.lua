-- expect: contains itself
return require("cloudbuild").recipe { run = function()
  local a = {}
  a.a = a
  return a
end }
