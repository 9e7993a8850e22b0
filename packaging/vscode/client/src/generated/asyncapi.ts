// Made by `npm run generate` from packaging/api/asyncapi.json; do not edit.
// SHA-256 of that: b3d8c3683b6260f3709b9d95ee30bfbb6c5e80cb0899fd09322817981b61e925

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AuthMessage
         * @description The first message of a client without an Authorization header; later, a renewal.
         */
        AuthMessage: {
            /**
             * Op
             * @constant
             */
            op: "auth";
            /** Token */
            token: string;
        };
        /**
         * Change
         * @description One record's step from one version to the next.
         *
         *     Attributes:
         *         kind: The plural noun of the record, which is also the topic to subscribe to: ``files``, ``workspaces``, …
         *         id: Of the record.
         *         op: What happened.
         *         version: The record's version after it (of a deleted one: the last it had).
         *         hint: A few of the record's fields, so that most listeners need not fetch it.
         */
        Change: {
            /** Hint */
            hint?: {
                [key: string]: unknown;
            };
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /**
             * Op
             * @enum {string}
             */
            op: "created" | "updated" | "deleted";
            /** Version */
            version: number;
        };
        /**
         * ChangesMessage
         * @description Changes in the order of their commits, and the cursor behind the last; none where only the cursor is newer.
         */
        ChangesMessage: {
            /** Changes */
            changes: components["schemas"]["Change"][];
            /** Cursor */
            cursor: string;
            /**
             * Type
             * @constant
             */
            type: "changes";
        };
        /**
         * ProgressMessage
         * @description How far the index of a watched folder is; it has no cursor and is not repeated.
         */
        ProgressMessage: {
            /**
             * Bytes Hashed
             * @default 0
             */
            bytes_hashed?: number;
            /**
             * Files Expected
             * @default null
             */
            files_expected?: number | null;
            /**
             * Files Hashed
             * @default 0
             */
            files_hashed?: number;
            /**
             * Files Indexed
             * @default 0
             */
            files_indexed?: number;
            /**
             * Files Per Second
             * @default 0
             */
            files_per_second?: number;
            /**
             * Files Seen
             * @default 0
             */
            files_seen?: number;
            /**
             * Seconds
             * @default 0
             */
            seconds?: number;
            /**
             * Seconds Left
             * @default null
             */
            seconds_left?: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "scanning" | "watching" | "polling" | "frozen" | "stopped";
            /**
             * Type
             * @constant
             */
            type: "progress";
            /**
             * Warnings
             * @default []
             */
            warnings?: string[];
            /** Workspace Id */
            workspace_id: string;
            /** Workspace Path */
            workspace_path: string;
        };
        /**
         * ResetMessage
         * @description What was asked for is no longer kept: read everything anew and go on from the cursor.
         */
        ResetMessage: {
            /** Cursor */
            cursor: string;
            /**
             * Type
             * @constant
             */
            type: "reset";
        };
        /**
         * SubscribedMessage
         * @description The subscription has begun; changes follow from the cursor on.
         */
        SubscribedMessage: {
            /** Cursor */
            cursor: string;
            /** Topics */
            topics: string[];
            /**
             * Type
             * @constant
             */
            type: "subscribed";
        };
        /**
         * SubscribeMessage
         * @description What to hear from now on, in place of any earlier subscription.
         *
         *     Attributes:
         *         topics: Kinds of records, and ``progress``; empty for all.
         *         workspace_path: Only of this folder, where a change is in one.
         *         since: A cursor; ``beginning``; or ``now``.
         */
        SubscribeMessage: {
            /**
             * Op
             * @constant
             */
            op: "subscribe";
            /**
             * Since
             * @default null
             */
            since?: string | null;
            /**
             * Topics
             * @default []
             */
            topics?: ("agents" | "auth_sessions" | "conversations" | "files" | "messages" | "progress" | "sessions" | "settings" | "snapshots" | "tenants" | "users" | "workspaces")[];
            /**
             * Workspace Path
             * @default null
             */
            workspace_path?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
