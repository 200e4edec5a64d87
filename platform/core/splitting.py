import re
from dataclasses import dataclass
@dataclass(frozen=True)
class Piece:
    text: str
    heading: str = ""
    page: int = 0
SENT=re.compile(r'(?<=[.!?।॥。！？…])["\'”’)\]]*\s+(?=\S)')
def split(markdown, n=600):
    out=[];buf='';path=[]
    def flush():
        nonlocal buf
        if buf.strip(): out.append(Piece(buf.strip(), ' > '.join(path)))
        buf=''
    for p in re.split(r'\n\s*\n',markdown):
        p=p.strip()
        if not p: continue
        m=re.match(r'(#{1,6})\s+(.*)',p)
        if m and '\n' not in p: flush(); path[:]=path[:len(m.group(1))-1]+[m.group(2)]; continue
        pieces=[p] if len(p)<=n else SENT.split(p)
        for s in pieces:
            while len(s)>900:
                o=s[:900].rsplit(' ',1)[0] or s[:900]; flush(); out.append(Piece(o,' > '.join(path))); s=s[len(o):]
            if len(buf)+len(s)+1>n: flush()
            buf+=s+' '
        buf+='\n'
    flush(); return out
