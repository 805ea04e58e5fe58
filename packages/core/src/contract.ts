export type {
  DecodedEvent,
  DecodeOptions,
  EventFormat,
  StoredFacts,
} from './contract/check-envelope.ts'
export { checkPayload } from './contract/check-payload.ts'
export {
  CLOUD_EVENTS_CONTENT_TYPE,
  sourceAggregateType,
  toBinaryCloudEvent,
  toCloudEvent,
  type BinaryCloudEvent,
} from './contract/cloud-events.ts'
export {
  cloudEventsCodec,
  decodeEvent,
  encodeEvent,
  tidingsCodec,
  type EventCodec,
} from './contract/codec.ts'
export type { DeclaredContract } from './contract/declared.ts'
export {
  defineAggregate,
  type AggregateDefinition,
  type AggregateOptions,
  type AnyAggregate,
  type Decide,
  type DecideContext,
  type Evolve,
  type Route,
  type Sent,
  type SnapshotOptions,
} from './contract/define-aggregate.ts'
export {
  defineCommand,
  type CommandDefinition,
  type CommandOptions,
} from './contract/define-command.ts'
export {
  defineEvent,
  type EventDefinition,
  type EventDefinitionOf,
  type EventDefinitionWithDefaults,
  type EventOptions,
  type SensitiveField,
} from './contract/define-event.ts'
export {
  defineModule,
  type AnyModule,
  type AnyPart,
  type Module,
} from './contract/define-module.ts'
export { defineTask, type TaskDefinition, type TaskOptions } from './contract/define-task.ts'
export { defineTopic, type Topic, type TopicOptions } from './contract/define-topic.ts'
export type {
  AnyCommandDefinition,
  AnyDefinition,
  AnyEventDefinition,
  AnyFactDefinition,
  AnyTaskDefinition,
  AnyTopic,
  Carries,
  CheckedPayload,
  Draft,
  DraftOptions,
  SchemaInput,
  SchemaOutput,
} from './contract/definition.ts'
export {
  freezeEnvelope,
  parseStreamName,
  streamName,
  type Envelope,
  type EventMetadata,
  type ForeignFacts,
  type StoredEnvelope,
} from './contract/envelope.ts'
export { compileGlob, isGlob, matchesGlob } from './contract/glob.ts'
export {
  findJsonFault,
  type JsonFault,
  type JsonObject,
  type JsonProblems,
  type JsonValue,
} from './contract/json.ts'
export { findSchemaFault, type SchemaFault } from './contract/json-schema.ts'
export {
  lintCapabilityType,
  lintCommandType,
  lintEventType,
  type NameLintOptions,
  type NameReason,
} from './contract/lint-name.ts'
export { isEnumName, toEnumName } from './contract/names.ts'
export {
  canonicalJson,
  hasSchemaCompiler,
  jsonSchema,
  parsePayload,
  registerSchemaCompiler,
  schemaHash,
  touchesSensitive,
  type PayloadContract,
  type SchemaCompiler,
} from './contract/payload.ts'
export {
  fromBinaryCloudEvent,
  fromCloudEvent,
  isBinaryCloudEvent,
  type MessageHeaders,
} from './contract/read-cloud-event.ts'
export { currentPayload } from './contract/read-event.ts'
export { createRegistry, type Registry, type RegistryOptions } from './contract/registry.ts'
export {
  DEFAULT_MAX_EVENT_BYTES,
  sealDraft,
  sealEnvelope,
  toCorrelationId,
  type EventClass,
  type Origin,
  type SealedEvent,
  type SealOptions,
} from './contract/seal.ts'
export { fromWire, TIDINGS_CONTENT_TYPE, toWire } from './contract/tidings-codec.ts'
export { untypedEvent } from './contract/untyped-event.ts'
export type { Verbs } from './contract/verbs.ts'
export type { History, UpcastSteps, VersionOptions } from './contract/versions.ts'
export {
  ContractError,
  type ContractErrorCode,
  type ContractErrorFacts,
  type ContractIssue,
} from './errors/contract-error.ts'
export {
  AppendRepeatedError,
  CommandIdConflictError,
  ConcurrencyError,
  EventIdConflictError,
  FencedError,
  StoreError,
  type ExpectedVersion,
  type StoreErrorCode,
} from './errors/store-errors.ts'
export {
  NothingParkedError,
  ShardsChangedError,
  OperationError,
  UnknownSubscriptionError,
  type NothingParkedFacts,
  type ShardsChangedFacts,
} from './errors/operation-errors.ts'
export {
  errorCodes,
  isRetryable,
  isTidingsError,
  TidingsError,
  type ErrorCode,
  type TidingsErrorOptions,
} from './errors/tidings-error.ts'
export {
  DefinitionError,
  RegistryError,
  UnknownNameError,
  UsageError,
} from './errors/usage-errors.ts'
export { systemClock, type Clock } from './internal/clock.ts'
export {
  createIdSource,
  deriveId,
  idTime,
  isUuid,
  nameId,
  newId,
  systemIds,
  type IdSource,
} from './internal/ids.ts'
export { nearestNames } from './internal/nearest.ts'
export { parseIsoTime, toIsoTime } from './internal/time.ts'
