"""A station sends frames that are no message, calls that are none of its version, and payloads that break the schema.

Whatever can be read is taken and its deviation is in the log; whatever cannot is answered with the error that names
what is wrong, and is in the log as well: nothing that a station said vanishes.
"""

from interlock.scenarios.spec import Scenario, step

NOBODY = "c" + "0" * 30
FRAMES = (
    "nothing that is JSON",
    "[]",
    "{}",
    "[2]",
    '[2,"n1"]',
    '[2,"n2","Heartbeat",{}',
    '["2","n3","Heartbeat",{}]',
    f'[2,"{"i" * 40}","Heartbeat",{{}}]',
    '[2,77,"Heartbeat",{}]',
    '[2,"f1","Heartbeat"]',
    '[2,"f2","Heartbeat",null]',
    '[2,"f3","Heartbeat",[]]',
    '[2,"f4","Heartbeat",[{}]]',
    '[2,"f5","Heartbeat",7]',
    '[2,"f6","Heartbeat",{"extra":1}]',
    '\ufeff[2,"f7","Heartbeat",{}]\x00',
)
CALLS = (
    '[2,"a1","NoSuchAction",{}]',
    '[2,"a2","noSuchAction",{"x":[1]}]',
    '[2,"a3","UnlockConnector",{"connectorId":1,"evseId":1}]',
    '[2,"a4","Reset",{"type":"Hard"}]',
)
PAYLOADS = (
    '[2,"p1","FirmwareStatusNotification",{}]',
    '[2,"p2","FirmwareStatusNotification",{"status":"Nonsense"}]',
    '[2,"p3","FirmwareStatusNotification",{"status":"installed","requestId":"3"}]',
    '[2,"p4","FirmwareStatusNotification",{"status":7}]',
    '[2,"p5","FirmwareStatusNotification",{"status":null}]',
    '[2,"p6","FirmwareStatusNotification",{"status":["Installed"],"extra":{}}]',
    '[2,"p7","SecurityEventNotification",{"type":"Tamper","timestamp":"yesterday"}]',
    f'[2,"p8","SecurityEventNotification",{{"type":"{"x" * 300}","timestamp":"NOW"}}]',
    '[2,"p9","DataTransfer",{}]',
    '[2,"p10","SignCertificate",{"csr":""}]',
    '[2,"p11","BootNotification",{}]',
    '[2,"p12","StatusNotification",{}]',
    '[2,"p13","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]',
    '[2,"p14","MeterValues",{"connectorId":"1","evseId":"1","meterValue":[{"timestamp":"NOW","sampledValue":'
    '[{"value":"x","unit":"Furlong"}]}]}]',
    '[2,"p15","Authorize",{"idTag":7,"idToken":7}]',
)
ANSWERS = (
    f'[3,"{NOBODY}",{{"status":"Accepted"}}]',
    f'[4,"{NOBODY[:-1]}1","InternalError","",{{}}]',
    '[3,"somebody",{}]',
    '[3,"n4"]',
    '[3,"n5",7]',
    '[7,"n6",{}]',
)

SCENARIO = Scenario(
    name="odd-frames",
    title="Frames that are no message, calls nobody knows, payloads that break the schema",
    covers="Nothing a station says vanishes, and an error names what is wrong.",
    steps=(
        step("send", at=20.0, frames=FRAMES),
        step("send", at=50.0, frames=CALLS),
        step("send", at=60.0, frames=PAYLOADS),
        step("send", at=90.0, frames=ANSWERS),
        step("statuses", at=110.0, connector=1),
        step("statuses", at=112.0, connector=2),
    ),
    retold=("eastern", "reordered"),
    faults_s=120.0,
    quiet_s=60.0,
)
