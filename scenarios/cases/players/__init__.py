"""Who performs cases: a scripted CSMS and a scripted station over sockets, the runner, and whoever has the hands.

Players keep to no rule but their script: they may send anything, and answer what a case wants answered.
"""
