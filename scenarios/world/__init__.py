"""Virtual time: the only room where CSMS nodes and SimPy meet."""
