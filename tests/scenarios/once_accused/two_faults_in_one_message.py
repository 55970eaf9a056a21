"""I43 accused: which of two faults a refusal names depends on the order of members."""

from interlock.csms.domain.connectors import ChangeAvailability
from interlock.csms.settings import Settings
from interlock.scenarios.spec import Scenario, step

SCENARIO = Scenario(
    name="two-faults-in-one-message",
    title="Frames that are no message, calls nobody knows, payloads that break the schema",
    covers="Nothing a station says vanishes, and an error names what is wrong.",
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
        step(
            "send",
            50.0,
            frames=(
                '[2,"a1","NoSuchAction",{}]',
                '[2,"a2","noSuchAction",{"x":[1]}]',
                '[2,"a3","UnlockConnector",{"connectorId":1,"evseId":1}]',
                '[2,"a4","Reset",{"type":"Hard"}]',
            ),
        ),
        step(
            "send",
            60.0,
            frames=(
                '[2,"p1","FirmwareStatusNotification",{}]',
                '[2,"p2","FirmwareStatusNotification",{"status":"Nonsense"}]',
                '[2,"p3","FirmwareStatusNotification",{"status":"installed","requestId":"3"}]',
                '[2,"p4","FirmwareStatusNotification",{"status":7}]',
                '[2,"p5","FirmwareStatusNotification",{"status":null}]',
                '[2,"p6","FirmwareStatusNotification",{"status":["Installed"],"extra":{}}]',
                '[2,"p7","SecurityEventNotification",{"type":"Tamper","timestamp":"yesterday"}]',
                '[2,"p8","SecurityEventNotification",{"type":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","timestamp":"NOW"}]',
                '[2,"p9","DataTransfer",{}]',
                '[2,"p10","SignCertificate",{"csr":""}]',
                '[2,"p11","BootNotification",{}]',
                '[2,"p12","StatusNotification",{}]',
                '[2,"p13","MeterValues",{"connectorId":1,"evseId":1,"meterValue":[]}]',
                '[2,"p14","MeterValues",{"connectorId":"1","evseId":"1","meterValue":[{"timestamp":"NOW","sampledValue":[{"value":"x","unit":"Furlong"}]}]}]',
                '[2,"p15","Authorize",{"idTag":7,"idToken":7}]',
            ),
        ),
        step(
            "send",
            90.0,
            frames=(
                '[3,"c000000000000000000000000000000",{"status":"Accepted"}]',
                '[4,"c000000000000000000000000000001","InternalError","",{}]',
                '[3,"somebody",{}]',
                '[3,"n4"]',
                '[3,"n5",7]',
                '[7,"n6",{}]',
            ),
        ),
        step("statuses", 110.0, connector=1),
        step("statuses", 112.0, connector=2),
        step(
            "ask", 67.47, command=ChangeAvailability(evse=2, operative=False), request="odd-6-67.47", station=1, node=1
        ),
    ),
    settings=Settings(acceptance="strict"),
    quiet_s=900.0,
    settle_s=60.0,
    retold=("eastern", "reordered"),
)
