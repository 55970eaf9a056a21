"""Starting `interlock serve` as processes, asking them, and naming the machine they ran on."""
