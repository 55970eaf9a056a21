"""I16 accused: while a disk is full a connection comes and never counts; the next one takes the place of the first."""

from interlock.scenarios.spec import Scenario, Storage, step

SCENARIO = Scenario(
    name="one-that-never-counted",
    title="A connection that never counted",
    covers="Only what counted can be taken over.",
    steps=(
        step("silent_socket", 200.0, seconds=10.0),
        step("full_disk", 170.0, seconds=20.0),
        step("sag", 170.0, depth_v=120.0, ramp_s=5.0, hold_s=5.0),
    ),
    connectors=1,
    storage=Storage(latency_s=(0.0, 0.0)),
    latency_s=(0.1, 0.1),
    faults_s=226.0,
    quiet_s=900.0,
    settle_s=60.0,
)
