import type { SettingDescriptor } from "../../src/config/schema.ts";
/** The values that a setting takes, in Markdown. */
export declare function allowed(setting: SettingDescriptor): string;
export declare function code(text: string): string;
