// On a shared CI machine a test of real processes may meet a stall that is the machine's. It gets one more try, and the
// log shows the first failure; on a developer's machine there is none.
if (process.env['CI']) jest.retryTimes(1, { logErrorsBeforeRetry: true });
