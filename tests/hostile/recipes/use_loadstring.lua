-- expect: `loadstring` is not there
return loadstring("return 1")
