'use strict';
// Sends the letter to many readers over Nodemailer's pooled transport, feeding it
// whenever it is idle, as its documentation shows.
const job = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
const nodemailer = require(job.module);

const transport = nodemailer.createTransport({
  pool: true,
  host: job.host,
  port: Number(job.port),
  name: job.name,
  secure: false,
  ignoreTLS: true,
  maxConnections: job.connections,
  maxMessages: Infinity,
  dkim: job.dkim,
});

let next = 0;
let done = 0;

function letterTo(i) {
  const fill = (text) => text.replaceAll('{{ name }}', `Reader ${i}`).replaceAll('{{ city }}', `City ${i % 1000}`);
  const address = `reader.${String(i).padStart(8, '0')}@mail${i % job.letter.domains}.example`;
  return {
    from: job.letter.from,
    to: address,
    subject: fill(job.letter.subject),
    html: fill(job.letter.html),
    text: fill(job.letter.text),
    list: { unsubscribe: `https://news.bench.example/u/${i}` },
  };
}

function feed() {
  while (transport.isIdle() && next < job.messages) {
    transport.sendMail(letterTo(next++), (error) => {
      if (error) {
        console.error(error);
        process.exit(1);
      }
      if (++done === job.messages) transport.close();
    });
  }
}

transport.on('idle', feed);
