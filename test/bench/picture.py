def draw(a,b,c): pass
