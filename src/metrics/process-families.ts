import type { Histogram } from "./histogram.ts";
import type { MetricFamily } from "./text-format.ts";

export interface ProcessFigures {
  readonly version: string;
  readonly startedAt: Date;
  readonly eventLoopLags: Histogram;
}

/** What every Prometheus client tells of its process, under the usual names, and what is running. */
export function processFamilies({ version, startedAt, eventLoopLags }: ProcessFigures): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: "deby_build_info",
      type: "gauge",
      help: "Always 1; the label tells the version of deby.",
      samples: [{ labels: { version }, value: 1 }],
    },
    {
      name: "deby_event_loop_lag_seconds",
      type: "histogram",
      help: "How late a timer comes that is due ten times a second.",
      samples: [{ histogram: eventLoopLags }],
    },
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "Processor time of this process, in user and system mode.",
      samples: [{ value: (user + system) / 1e6 }],
    },
    {
      name: "process_resident_memory_bytes",
      type: "gauge",
      help: "Resident memory of this process.",
      samples: [{ value: process.memoryUsage.rss() }],
    },
    {
      name: "process_start_time_seconds",
      type: "gauge",
      help: "When this process began, in seconds since 1970.",
      samples: [{ value: startedAt.getTime() / 1000 }],
    },
  ];
}
