// The shapes of the API, as the page sees them: types only, so that nothing of the server is bundled.
import type { z } from '@hono/zod-openapi';
import type { machineRequestSchema } from '../../../src/server/schemas.ts';

export type {
  ApiAlarm,
  ApiCalibration,
  ApiDetector,
  ApiError,
  ApiEvent,
  ApiFitRequest,
  ApiJob,
  ApiLabel,
  ApiMachine,
  ApiMachineStatus,
  ApiPicture,
  ApiRecording,
  ApiScore,
  ApiUploaded,
} from '../../../src/server/schemas.ts';

export type ApiMachineRequest = z.infer<typeof machineRequestSchema>;
