// A central system as the README of npm's ocpp-rpc shows it: strict mode, nothing kept. A peer of bench_server.py.
const { RPCServer } = require('ocpp-rpc');

const at = () => new Date().toISOString();
const answers = {
  BootNotification: () => ({ status: 'Accepted', interval: 300, currentTime: at() }),
  Heartbeat: () => ({ currentTime: at() }),
  StatusNotification: () => ({}),
  StartTransaction: () => ({ transactionId: 1, idTagInfo: { status: 'Accepted' } }),
  MeterValues: () => ({}),
  StopTransaction: () => ({}),
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true });
server.auth(accept => accept({}));
server.on('client', client => {
  for (const [action, answer] of Object.entries(answers)) client.handle(action, answer);
});
server.listen(0, '127.0.0.1').then(http => console.log(`ws://127.0.0.1:${http.address().port}/ocpp/`));
