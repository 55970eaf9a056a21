"""I43 accused: a message id that is too long, and is not answered by who is strict, is told as one that is none."""

from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, Storage, step

SCENARIO = Scenario(
    name="id-that-is-too-long",
    title="An id that is too long",
    covers="Only ids that are some may be others.",
    steps=(
        step(
            "send",
            20.0,
            frames=(
                "nothing that is JSON",
                "[]",
                "{}",
                "[2]",
                '[2,"n1"]',
                '[2,"n2","Heartbeat",{}',
                '["2","n3","Heartbeat",{}]',
                '[2,"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii","Heartbeat",{}]',
                '[2,77,"Heartbeat",{}]',
                '[2,"f1","Heartbeat"]',
                '[2,"f2","Heartbeat",null]',
                '[2,"f3","Heartbeat",[]]',
                '[2,"f4","Heartbeat",[{}]]',
                '[2,"f5","Heartbeat",7]',
                '[2,"f6","Heartbeat",{"extra":1}]',
                '\ufeff[2,"f7","Heartbeat",{}]\x00',
            ),
        ),
    ),
    connectors=1,
    settings=Settings(acceptance="strict"),
    storage=Storage(latency_s=(0.0, 0.0)),
    latency_s=(0.1, 0.1),
    faults_s=50.0,
    quiet_s=900.0,
    settle_s=60.0,
    retold=("other_ids",),
)
