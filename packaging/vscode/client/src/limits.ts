/**
 * Every bound of the client, its unit in its name and its reason beside it. The daemon's own are in sidecar/limits.py.
 */

// --- calls ---
export const callMsDefault = 10_000; // a page of 1,000 files of a busy daemon takes well below a second
export const callMsMax = 600_000;
export const requestsAtOnceMax = 16; // connections to the daemon; more calls wait for their turn
export const answerBytesMax = 67_108_864; // as the daemon's own client; a session has at most 8 MB
export const problemBytesMax = 1_048_576; // of a problem document, and of every answer to a login
export const idleConnectionMsMax = 30_000; // the daemon closes idle ones after 75 s; ours end first, so no call meets that
export const loginMsMax = 15_000; // of a refresh or a pairing that many callers wait for; hashing may queue

// --- trust ---
export const helloMsMax = 2_000; // to connect and to prove: a daemon, even a busy one, answers in far less; a stranger may never
export const helloBytesMax = 8_192;
export const nonceBytes = 24;
export const endpointFileBytesMax = 65_536; // as the daemon's limit of the same name
export const configFileBytesMax = 1_048_576;
export const tokenFileBytesMax = 65_536;
export const tokenStoreMsMin = 1_000; // between tries to store a login that the store could not take
export const draftMsMax = 600_000; // a file that is being written is changed again sooner; an older draft was left by a kill
export const accessTokenMarginMs = 30_000; // a token that ends so soon is renewed first: a call must not meet its end

// --- finding the daemon again ---
export const reconnectMsMin = 100; // doubled after each failure, of which at most half is taken off at random
export const reconnectMsMax = 5_000;
export const launchMsMax = 10_000; // to ask the launcher
export const launchIntervalMsMin = 30_000; // a daemon that ends at once is not started in a loop

// --- events ---
export const eventMessageBytesMax = 4_194_304; // the daemon sends at most 524,288 bytes of changes in one
export const eventsWaitingMax = 64; // messages that a slow listener has not taken; then the socket is not read
export const socketOpenMsMax = 5_000; // to connect, to prove, and to be answered as a WebSocket
export const socketCloseMsMax = 1_000; // for the daemon's part of closing; then the connection is cut
export const socketSilenceMsMax = 75_000; // the daemon pings every 30 s; two missed pings and the socket is dead

// --- writes that wait ---
export const queueWritesMax = 10_000;
export const queueBytesMax = 67_108_864; // of all bodies together
export const writeBytesMax = 8_388_608; // the daemon takes no larger body
export const replayMsMax = 23 * 3_600_000; // the daemon knows an answered key for 24 h; later a repeat might count twice
export const retryMsMin = 100; // between tries of one write that the daemon can not take now
export const retryMsMax = 5_000;
export const internalErrorsMax = 3; // a write that breaks the daemon so often is refused: it would block all behind it
export const journalBytesMax = 268_435_456; // the queue's own bound, with envelopes, escapes and what is done
export const journalLinesSpareMax = 1_000; // lines of writes that are done, before the journal is written anew
export const journalBytesSpareMax = 67_108_864; // bytes of them; with a full queue, escaped, still within the journal's bound
export const storeCloseMsMax = 2_000; // for a store to end what it was given, and as long to close: a hung one keeps no host
export const closeMsDefault = 2_000; // what is still waiting when a client closes gets so long
