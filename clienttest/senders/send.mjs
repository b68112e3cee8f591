// Sends COUNT logs to URL with the key KEY through one of npm's senders, as its users
// would: `node send.mjs NAME`. It ends with 0 when the sender says that they are sent.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { URL: url, KEY: key, COUNT } = process.env
const name = process.argv[2]
const texts = Array.from({ length: Number(COUNT) }, (_, i) => `${name} ${i}`)
const basic = { username: 'x', password: key }

// once waits for an event of a logger that tells no other way when it is done.
const once = (emitter, event, n) => new Promise((done, failed) => {
  emitter.on('error', failed).on(event, () => { if (--n === 0) done() })
})

// otel sends through OpenTelemetry's SDK, with one of its exporters.
async function otel (kind, options) {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs')
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`)
  const { resourceFromAttributes } = require('@opentelemetry/resources')
  const exporter = new OTLPLogExporter(options)
  let failed
  const send = exporter.export.bind(exporter)
  exporter.export = (records, done) => send(records, result => { failed ??= result.error; done(result) })
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'npm', 'host.name': 'npm' }),
    processors: [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 15 })]
  })
  const logger = provider.getLogger('checkout', '1.2')
  for (const body of texts) logger.emit({ severityNumber: 13, severityText: 'WARN', body, attributes: { usr: { id: 'u1' } } })
  await provider.forceFlush()
  await provider.shutdown()
  if (failed) throw failed
}

const senders = {
  async elasticsearch () {
    const { Client } = require('@elastic/elasticsearch')
    const client = new Client({ node: url, auth: basic, maxRetries: 5 })
    const info = await client.info()
    if (!info.version.number) throw new Error(`no version in ${JSON.stringify(info)}`)
    const result = await client.helpers.bulk({
      datasource: texts.map((message, i) => ({ '@timestamp': new Date().toISOString(), message, host: { name: 'npm' }, id: `${name}-${i}` })),
      onDocument: doc => ({ create: { _index: 'npm', _id: doc.id } }),
      flushBytes: 2000
    })
    if (result.failed || result.successful !== texts.length) throw new Error(JSON.stringify(result))
  },

  async 'elasticsearch-apikey' () {
    const { Client } = require('@elastic/elasticsearch')
    const client = new Client({ node: `${url}/elastic`, auth: { apiKey: { id: 'id', api_key: key } } })
    for (const message of texts) {
      await client.index({ index: 'npm', document: { '@timestamp': new Date().toISOString(), message, host: 'npm' } })
    }
  },

  async 'winston-elasticsearch' () {
    const winston = require('winston')
    const { ElasticsearchTransport } = require('winston-elasticsearch')
    const transport = new ElasticsearchTransport({ level: 'info', index: 'npm', flushInterval: 100, retryLimit: 20, clientOpts: { node: url, auth: basic } })
    const logger = winston.createLogger({ defaultMeta: { service: 'npm' }, transports: [transport] })
    for (const text of texts) logger.warn(text, { user: 'u' })
    const written = async () => { // it buffers behind its own back
      await new Promise(resolve => setTimeout(resolve, 500))
      await transport.flush()
      if (transport.bulkWriter.bulk.length > 0) await written()
    }
    await written()
  },

  async 'pino-elasticsearch' () {
    const pino = require('pino')
    const stream = require('pino-elasticsearch')({ index: 'npm', node: url, auth: basic, esVersion: 8, flushBytes: 1000 })
    const done = once(stream, 'insert', 1) // it tells of each batch
    const logger = pino({ base: { hostname: 'npm' } }, stream)
    for (const text of texts) logger.warn(text)
    stream.end()
    await Promise.race([done, new Promise(resolve => setTimeout(resolve, 3000))])
    await new Promise(resolve => setTimeout(resolve, 1000))
  },

  async 'datadog-api-client' () {
    const { client, v2 } = require('@datadog/datadog-api-client')
    const api = new v2.LogsApi(client.createConfiguration({
      authMethods: { apiKeyAuth: key },
      baseServer: new client.BaseServerConfiguration(url, {})
    }))
    await api.submitLog({ contentEncoding: 'gzip', body: texts.map(message => ({ message, ddsource: 'npm', hostname: 'npm', service: 'npm', ddtags: 'env:test' })) })
  },

  async 'datadog-winston' () {
    const winston = require('winston')
    const Transport = require('datadog-winston')
    const transport = new Transport({ apiKey: key, hostname: 'npm', service: 'npm', ddsource: 'npm', ddtags: 'env:test' })
    transport.api = `${url}/v1/input/${key}` // it has an option for the vendor's regions only
    const logger = winston.createLogger({ transports: [transport] })
    const sent = once(transport, 'logged', texts.length)
    for (const text of texts) logger.warn(text)
    await sent
    await new Promise(resolve => setTimeout(resolve, 1000)) // it says so before it has
  },

  async 'winston-http' () {
    const winston = require('winston')
    const { hostname, port } = new URL(url)
    const transport = new winston.transports.Http({ host: hostname, port, path: '/ingest', headers: { Authorization: `Bearer ${key}` }, format: winston.format.combine(winston.format.timestamp(), winston.format.json()) })
    const logger = winston.createLogger({ defaultMeta: { service: 'npm', host: 'npm' }, transports: [transport] })
    const sent = once(transport, 'logged', texts.length)
    for (const text of texts) logger.warn(text)
    await sent
  },

  async 'splunk-logging' () {
    const { Logger } = require('splunk-logging')
    const logger = new Logger({ token: key, url, maxBatchCount: 7, maxRetries: 20 })
    const failed = new Promise((_, reject) => { logger.error = reject })
    for (const message of texts) logger.send({ message, severity: 'warn', metadata: { host: 'npm', source: 'npm', sourcetype: 'httpevent', index: 'main', time: Date.now() / 1000 } })
    await Promise.race([failed, new Promise((resolve, reject) => logger.flush((err, _, body) => err || body.code !== 0 ? reject(err ?? new Error(JSON.stringify(body))) : resolve()))])
    await new Promise(resolve => setTimeout(resolve, 500))
  },

  'otel-http': () => otel('http', { url: `${url}/v1/logs`, headers: { Authorization: `Bearer ${key}` }, compression: 'gzip' }),

  'otel-proto': () => otel('proto', { url: `${url}/v1/logs`, headers: { Authorization: `Bearer ${key}` } }),

  'otel-grpc': () => {
    const { Metadata } = require('@grpc/grpc-js')
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${key}`)
    return otel('grpc', { url, metadata, compression: 'gzip' })
  },

  async fetch () {
    const response = await fetch(`${url}/ingest`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/x-ndjson' },
      body: texts.map(message => JSON.stringify({ timestamp: Date.now(), message, host: 'npm', service: 'npm' })).join('\n')
    })
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  }
}

if (!senders[name]) {
  console.log(Object.keys(senders).join('\n'))
} else {
  await senders[name]()
  process.exit(0)
}
