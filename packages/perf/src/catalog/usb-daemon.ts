/** The USB daemon. Its memory is in the runtime metrics of its process. */
export const usbDaemonMetrics = {
  eventLatency: {
    type: 'histogram',
    name: 'osforge_usb_event_latency_seconds',
    help: 'Time from the kernel telling of a device to the daemon having published it.',
    labels: ['action'],
    bounds: [0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 5],
  },
  enumerationDuration: {
    type: 'histogram',
    name: 'osforge_usb_enumeration_duration_seconds',
    help: 'Time to list all devices, at the start and at each re-scan.',
    labels: ['reason'],
    bounds: [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  publishDuration: {
    type: 'histogram',
    name: 'osforge_usb_publish_duration_seconds',
    help: 'Time to hand an event to a transport, such as Redis.',
    labels: ['transport'],
    bounds: [0.0005, 0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5, 1],
  },
  events: {
    type: 'counter',
    name: 'osforge_usb_events_total',
    help: 'Events of devices by action: add, remove, change.',
    labels: ['action'],
  },
  errors: {
    type: 'counter',
    name: 'osforge_usb_errors_total',
    help: 'Errors by their code.',
    labels: ['code'],
  },
  eventsDropped: {
    type: 'counter',
    name: 'osforge_usb_events_dropped_total',
    help: 'Events that a full queue did not take; each overflow is followed by a re-scan.',
    labels: ['queue'],
  },
  devices: {
    type: 'gauge',
    name: 'osforge_usb_devices',
    help: 'Devices in the registry by state.',
    labels: ['state'],
  },
} as const;
