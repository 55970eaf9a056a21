"""Starting `interlock serve` as processes, asking them, naming their machine. Imports no other room of load tests."""
