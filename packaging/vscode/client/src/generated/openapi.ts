// Made by `npm run generate` from packaging/api/openapi.json; do not edit.
// SHA-256 of that: 3c683370b702e920bca81c8d8ba69cddfa54dcd0ad8c1f8fc541c812ecfd2d42

export interface paths {
    "/api/v5/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tenant's agents. */
        get: operations["get_agents"];
        put?: never;
        /** Store a new agent. */
        post: operations["post_agents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/agents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one agent. */
        get: operations["get_agents_id"];
        /** Replace what is written of an agent. */
        put: operations["put_agents_id"];
        post?: never;
        /** Delete an agent. */
        delete: operations["delete_agents_id"];
        options?: never;
        head?: never;
        /** Merge a patch into an agent. */
        patch: operations["patch_agents_id"];
        trace?: never;
    };
    "/api/v5/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List rows of the tenant's trail. */
        get: operations["get_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign access tokens with a fresh key from now on. */
        post: operations["post_auth_keys_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open a login with a password. */
        post: operations["post_auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the caller's login. */
        post: operations["post_auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/pair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open a login of the machine's owner; the gate has seen the pairing key. */
        post: operations["post_auth_pair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchange a refresh token for the next pair. */
        post: operations["post_auth_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Open an account with its own tenant; the gate has seen the pairing key. */
        post: operations["post_auth_register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the devices on which the caller is logged in. */
        get: operations["get_auth_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one of the caller's logins; an admin may end anybody's in the tenant. */
        delete: operations["delete_auth_sessions_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/auth/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link that lets the caller's browser in, once and soon. */
        post: operations["post_auth_tickets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/backups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write a backup and answer when it is whole. */
        post: operations["post_backups"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer the changes behind a cursor, and the cursor to ask with next; none at once unless ``wait`` says so. */
        get: operations["get_changes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List conversations, without their messages. */
        get: operations["get_conversations"];
        put?: never;
        /** Store a new conversation. */
        post: operations["post_conversations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/conversations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one conversation with a page of its messages. */
        get: operations["get_conversations_id"];
        put?: never;
        post?: never;
        /** Delete a conversation and its messages. */
        delete: operations["delete_conversations_id"];
        options?: never;
        head?: never;
        /** Merge a patch into a conversation. */
        patch: operations["patch_conversations_id"];
        trace?: never;
    };
    "/api/v5/conversations/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a conversation's messages, oldest first. */
        get: operations["get_conversations_id_messages"];
        put?: never;
        /** Store a new message of a conversation. */
        post: operations["post_conversations_id_messages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/conversations/{id}/tags/add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a conversation's tags: those in the body are added. */
        post: operations["post_conversations_id_tags_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/conversations/{id}/tags/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a conversation's tags: those in the body are removed. */
        post: operations["post_conversations_id_tags_remove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the page of the API for people. */
        get: operations["get_docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Serve one client until it or the daemon closes. */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Send sessions, conversations with their messages, and settings, one a line; import takes it back. */
        get: operations["get_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List files. */
        get: operations["get_files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one file. */
        get: operations["get_files_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/files/by-path": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the file at a place. */
        get: operations["get_files_by_path"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/hello": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prove to a client that this daemon holds the pairing key, before the client sends it a secret. */
        get: operations["get_hello"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Store what an export holds; what is there under the same ids is replaced. */
        post: operations["post_import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return this document. */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read the settings anew and answer what has changed. */
        post: operations["post_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find records by words, the best first. */
        get: operations["get_search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List sessions, without their state. */
        get: operations["get_sessions"];
        put?: never;
        /** Store a new session. */
        post: operations["post_sessions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one session with its state. */
        get: operations["get_sessions_id"];
        /** Replace what clients write of a session. */
        put: operations["put_sessions_id"];
        post?: never;
        /** Delete a session and its snapshots; its forks stay. */
        delete: operations["delete_sessions_id"];
        options?: never;
        head?: never;
        /** Merge a patch into a session. */
        patch: operations["patch_sessions_id"];
        trace?: never;
    };
    "/api/v5/sessions/{id}/children": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the sessions that were forked from one, oldest first. */
        get: operations["get_sessions_id_children"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/decisions/add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's decisions: those in the body are added. */
        post: operations["post_sessions_id_decisions_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/decisions/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's decisions: those in the body are removed. */
        post: operations["post_sessions_id_decisions_remove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/facts/add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's facts: those in the body are added. */
        post: operations["post_sessions_id_facts_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/facts/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's facts: those in the body are removed. */
        post: operations["post_sessions_id_facts_remove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/fork": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Store a new session of the caller's with the same state, and this one for its parent. */
        post: operations["post_sessions_id_fork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/related": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the sessions that one names as related, then those that share tags with it, most shared first. */
        get: operations["get_sessions_id_related"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a session the state of one of its snapshots, after a snapshot of what that replaces. */
        post: operations["post_sessions_id_restore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a session's snapshots, newest first. */
        get: operations["get_sessions_id_snapshots"];
        put?: never;
        /** Keep a session's state as it is. */
        post: operations["post_sessions_id_snapshots"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/snapshots/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell what has changed from one snapshot of a session to another, or to its present state. */
        get: operations["get_sessions_id_snapshots_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/tags/add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's tags: those in the body are added. */
        post: operations["post_sessions_id_tags_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/{id}/tags/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a session's tags: those in the body are removed. */
        post: operations["post_sessions_id_tags_remove"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/sessions/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Return the caller's latest session of a workspace and branch, or store a new one. */
        post: operations["post_sessions_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's settings, by category and key. */
        get: operations["get_settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/settings/{category}/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one of the caller's settings. */
        get: operations["get_settings_category_key"];
        /** Store one of the caller's settings. */
        put: operations["put_settings_category_key"];
        post?: never;
        /** Delete one of the caller's settings. */
        delete: operations["delete_settings_category_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer how the daemon is. */
        get: operations["get_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/tenant": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the caller's tenant. */
        get: operations["get_tenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Merge a patch into the caller's tenant. */
        patch: operations["patch_tenant"];
        trace?: never;
    };
    "/api/v5/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tenant's users. */
        get: operations["get_users"];
        put?: never;
        /** Add a user to the tenant. */
        post: operations["post_users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a user from the tenant. */
        delete: operations["delete_users_id"];
        options?: never;
        head?: never;
        /** Merge a patch into a user of the tenant. */
        patch: operations["patch_users_id"];
        trace?: never;
    };
    "/api/v5/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the caller. */
        get: operations["get_users_me"];
        /** Replace what the caller says of themselves. */
        put: operations["put_users_me"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/users/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Replace the caller's password; every login of theirs ends, and the answer is a new one. */
        put: operations["put_users_me_password"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer the program's version and the API's. */
        get: operations["get_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/workspaces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List watched folders with the progress of their indexes. */
        get: operations["get_workspaces"];
        put?: never;
        /** Watch a folder. */
        post: operations["post_workspaces"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/workspaces/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one watched folder with the progress of its index. */
        get: operations["get_workspaces_id"];
        put?: never;
        post?: never;
        /** Stop watching a folder; its data is kept. */
        delete: operations["delete_workspaces_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v5/workspaces/{id}/rescan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for a full comparison with the disk. */
        post: operations["post_workspaces_id_rescan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer that the process is alive. */
        get: operations["get_healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer the measures, for Prometheus. */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/open/{ticket}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Take a ticket and give its cookie; the ticket is worth nothing from then on. */
        get: operations["get_open_ticket"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer whether requests are served: the store is open and the daemon is not stopping. */
        get: operations["get_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Agent
         * @description One agent; ``memory`` is its own.
         */
        Agent: {
            /**
             * Agent Type
             * @enum {string}
             */
            agent_type: "coordinator" | "specialist" | "sub_agent";
            config?: components["schemas"]["AgentConfig"];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /**
             * Is Active
             * @default true
             */
            is_active?: boolean;
            /** Memory */
            memory?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Name */
            name: string;
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * AgentBody
         * @description What is written of an agent; what is left out has its default.
         */
        AgentBody: {
            /**
             * Agent Type
             * @enum {string}
             */
            agent_type: "coordinator" | "specialist" | "sub_agent";
            config?: components["schemas"]["AgentConfig"];
            /**
             * Is Active
             * @default true
             */
            is_active?: boolean;
            /** Memory */
            memory?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Name */
            name: string;
        };
        /**
         * AgentConfig
         * @description What an agent may use and offers; unknown fields are kept.
         */
        AgentConfig: {
            /** A2A Capabilities */
            a2a_capabilities?: string[];
            /** Mcp Tools */
            mcp_tools?: string[];
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Audit
         * @description One thing that was done.
         *
         *     Attributes:
         *         user_id: Who did it; None where it is not known, as at a failed login.
         *         event_data: What an auditor needs beside; never a secret.
         *         session_id: The login it was done in.
         *         workspace_session_id: The workspace session it was done in, or to.
         */
        Audit: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Event Data */
            event_data?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Event Type */
            event_type: string;
            /** Id */
            id: string;
            /**
             * Ip Address
             * @default
             */
            ip_address?: string;
            /**
             * Session Id
             * @default null
             */
            session_id?: string | null;
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * User Agent
             * @default
             */
            user_agent?: string;
            /**
             * User Id
             * @default null
             */
            user_id?: string | null;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * BackupBody
         * @description Where a backup goes.
         *
         *     Attributes:
         *         path: Of the file; its folder exists.
         *         replace: An older backup that is there is replaced; another file never is.
         */
        BackupBody: {
            /** Path */
            path: string;
            /**
             * Replace
             * @default false
             */
            replace?: boolean;
        };
        /**
         * BackupReport
         * @description A backup that was written and read again.
         */
        BackupReport: {
            /** Bytes */
            bytes: number;
            /** Path */
            path: string;
            /** Rows */
            rows: number;
        };
        /**
         * Breakpoint
         * @description Where a debugger stops: at a line of a file, or at a function. Lines and columns count from 1.
         */
        Breakpoint: {
            /**
             * Column
             * @default null
             */
            column?: number | null;
            /**
             * Condition
             * @default null
             */
            condition?: string | null;
            /**
             * Enabled
             * @default true
             */
            enabled?: boolean;
            /**
             * Function Name
             * @default null
             */
            function_name?: string | null;
            /**
             * Hit Condition
             * @default null
             */
            hit_condition?: string | null;
            /**
             * Line
             * @default null
             */
            line?: number | null;
            /**
             * Log Message
             * @default null
             */
            log_message?: string | null;
            /**
             * Path
             * @default null
             */
            path?: string | null;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
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
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "changes";
        };
        /**
         * Command
         * @description A command that was run, and how it ended.
         */
        Command: {
            /** Command */
            command: string;
            /**
             * Exit Code
             * @default null
             */
            exit_code?: number | null;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Conversation
         * @description A conversation; its messages are records of their own.
         *
         *     Attributes:
         *         workspace_session_id: The session it was begun in.
         *         ai_provider: Who answers.
         *         message_count: How many messages it has; counted with them, not by whoever writes the record.
         *         token_count: The sum of their tokens; the same.
         *         summary: What it came to.
         */
        Conversation: {
            /** Ai Provider */
            ai_provider: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Description
             * @default
             */
            description?: string;
            /** Id */
            id: string;
            /**
             * Message Count
             * @default 0
             */
            message_count?: number;
            /** Related Conversations */
            related_conversations?: string[];
            /**
             * Status
             * @default active
             * @enum {string}
             */
            status?: "active" | "archived" | "deleted";
            /**
             * Summary
             * @default
             */
            summary?: string;
            /** Tags */
            tags?: string[];
            /** Tenant Id */
            tenant_id: string;
            /** Title */
            title: string;
            /**
             * Token Count
             * @default 0
             */
            token_count?: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** User Id */
            user_id: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * ConversationBody
         * @description A new conversation, and the session that it is begun in.
         */
        ConversationBody: {
            /** Ai Provider */
            ai_provider: string;
            /**
             * Description
             * @default
             */
            description?: string;
            /** Related Conversations */
            related_conversations?: string[];
            /**
             * Status
             * @default active
             * @enum {string}
             */
            status?: "active" | "archived" | "deleted";
            /**
             * Summary
             * @default
             */
            summary?: string;
            /** Tags */
            tags?: string[];
            /** Title */
            title: string;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * ConversationPatch
         * @description What a client may change of a conversation.
         */
        ConversationPatch: {
            /** Ai Provider */
            ai_provider: string;
            /**
             * Description
             * @default
             */
            description?: string;
            /** Related Conversations */
            related_conversations?: string[];
            /**
             * Status
             * @default active
             * @enum {string}
             */
            status?: "active" | "archived" | "deleted";
            /**
             * Summary
             * @default
             */
            summary?: string;
            /** Tags */
            tags?: string[];
            /** Title */
            title: string;
        };
        /**
         * Difference
         * @description One change.
         *
         *     Attributes:
         *         place: Where in the state: ``editor_state/groups/0/tabs/src/main.py/dirty``; long names are cut.
         *         op: What happened there.
         *         before: What was there; long texts are cut.
         *         after: What is there now; the same.
         */
        Difference: {
            /** @default null */
            after?: components["schemas"]["JsonValue"];
            /** @default null */
            before?: components["schemas"]["JsonValue"];
            /**
             * Op
             * @enum {string}
             */
            op: "added" | "removed" | "changed";
            /** Place */
            place: string;
        };
        /**
         * Differences
         * @description All changes from one state to another; ``text`` tells them line by line; ``is_cut``: there are more.
         */
        Differences: {
            /** Changes */
            changes: components["schemas"]["Difference"][];
            /** From Id */
            from_id: string;
            /** Is Cut */
            is_cut: boolean;
            /** Text */
            text: string;
            /** To Id */
            to_id: string | null;
        };
        /**
         * EditorState
         * @description The editors and how they are laid out; ``layout`` is the IDE's own.
         */
        EditorState: {
            /**
             * Active Group
             * @default null
             */
            active_group?: number | null;
            /** Groups */
            groups?: components["schemas"]["Group"][];
            /**
             * Layout
             * @default null
             */
            layout?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * EmptyBody
         * @description Nothing yet: an empty object.
         */
        EmptyBody: Record<string, never>;
        /**
         * File
         * @description A file of a workspace.
         *
         *     Attributes:
         *         workspace_session_id: The session in which this version was recorded.
         *         workspace_path: Root of the workspace.
         *         file_path: Relative to it, ``/`` between names; bytes that are not UTF-8 are shown as ``\xNN``.
         *         path_bytes: The exact name in base64, present only when it is not UTF-8.
         *         kind: A ``symlink`` is recorded as what it says, never followed; an ``unreadable`` file has no checksum.
         *         file_size: Bytes.
         *         mime_type: Guessed by the name.
         *         checksum: SHA-256 of the content (of the target's text for a symlink), 64 hexadecimal digits, or empty.
         *         mtime_ns: Time of the last change on disk, nanoseconds since 1970.
         *         inode: The file system's number of the file.
         *         ctime_ns: Time of the inode's last change, nanoseconds since 1970: unlike mtime it can not be set back.
         *         last_accessed_at: When the daemon last read it.
         *         is_deleted: It is gone from the disk, or from what is watched.
         *         deleted_at: Since when.
         */
        File: {
            /** Checksum */
            checksum: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Ctime Ns
             * @default 0
             */
            ctime_ns?: number;
            /**
             * Deleted At
             * @default null
             */
            deleted_at?: string | null;
            /** File Path */
            file_path: string;
            /** File Size */
            file_size: number;
            /** Id */
            id: string;
            /** Inode */
            inode: number;
            /**
             * Is Deleted
             * @default false
             */
            is_deleted?: boolean;
            /**
             * Kind
             * @default file
             * @enum {string}
             */
            kind?: "file" | "symlink" | "unreadable";
            /**
             * Last Accessed At
             * Format: date-time
             */
            last_accessed_at: string;
            /** Mime Type */
            mime_type: string;
            /** Mtime Ns */
            mtime_ns: number;
            /**
             * Path Bytes
             * @default null
             */
            path_bytes?: string | null;
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /** Workspace Path */
            workspace_path: string;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * ForkBody
         * @description A name for the fork; its parent's by default.
         */
        ForkBody: {
            /**
             * Name
             * @default null
             */
            name?: string | null;
        };
        /**
         * Found
         * @description One thing that was found.
         *
         *     Attributes:
         *         place_id: The session or conversation to open it in.
         *         snippet: Where it matched; the matching words stand in «guillemets».
         *         rank: Less is better.
         */
        Found: {
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "sessions" | "conversations" | "messages";
            /** Place Id */
            place_id: string;
            /** Rank */
            rank: number;
            /** Snippet */
            snippet: string;
            /** Title */
            title: string;
        };
        /**
         * Group
         * @description Tabs that share a place on the screen; ``active_tab`` counts from 0.
         */
        Group: {
            /**
             * Active Tab
             * @default null
             */
            active_tab?: number | null;
            /** Tabs */
            tabs?: components["schemas"]["Tab"][];
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Hello
         * @description The proof that the daemon holds the pairing key: an HMAC of the nonce.
         *
         *     Attributes:
         *         port_proof: The same of nonce and port: a proof that was asked of the daemon on another port is none here.
         */
        Hello: {
            /** Instance */
            instance: string;
            /** Port Proof */
            port_proof: string;
            /** Proof */
            proof: string;
            /** Version */
            version: string;
        };
        /**
         * Imported
         * @description How many records of each kind of an import are stored; how many replaced another, how many were the same.
         */
        Imported: {
            /** Replaced */
            replaced?: {
                [key: string]: number;
            };
            /** Stored */
            stored?: {
                [key: string]: number;
            };
            /** Unchanged */
            unchanged?: {
                [key: string]: number;
            };
        };
        JsonValue: unknown;
        /**
         * Keys
         * @description The key that signs now, and how many are still accepted.
         */
        Keys: {
            /** Key Id */
            key_id: string;
            /** Keys */
            keys: number;
        };
        /**
         * Login
         * @description What a client gets when it has shown who it is: the one place where tokens leave the daemon.
         *
         *     Attributes:
         *         expires_in: Seconds until the access token ends.
         */
        Login: {
            /** Access Token */
            access_token: string;
            /**
             * Expires In
             * @default 900
             */
            expires_in?: number;
            /** Refresh Token */
            refresh_token: string;
            tenant: components["schemas"]["Tenant"];
            /**
             * Token Type
             * @default Bearer
             */
            token_type?: string;
            user: components["schemas"]["PublicUser"];
        };
        /**
         * LoginBody
         * @description Who logs in; the tenant where an address has several accounts, the workspace session to work in.
         */
        LoginBody: {
            /** Email */
            email: string;
            /** Password */
            password: string;
            /**
             * Tenant Id
             * @default null
             */
            tenant_id?: string | null;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * MeBody
         * @description What a user may say of themselves.
         */
        MeBody: {
            /** First Name */
            first_name: string;
            /** Last Name */
            last_name: string;
        };
        /**
         * Memory
         * @description What was found out and what was decided; a text, or an object with a ``text``.
         */
        Memory: {
            /** Decisions */
            decisions?: (string | components["schemas"]["Note"])[];
            /** Facts */
            facts?: (string | components["schemas"]["Note"])[];
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Message
         * @description What one side said.
         *
         *     Attributes:
         *         model: Which one answered; None where a person spoke.
         *         token_count: As its provider counts them.
         */
        Message: {
            /** Content */
            content: string;
            /** Conversation Id */
            conversation_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Role
             * @enum {string}
             */
            role: "user" | "assistant" | "system";
            /** Tenant Id */
            tenant_id: string;
            /**
             * Token Count
             * @default 0
             */
            token_count?: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * MessageBody
         * @description What one side said.
         */
        MessageBody: {
            /** Content */
            content: string;
            /**
             * Model
             * @default null
             */
            model?: string | null;
            /**
             * Role
             * @enum {string}
             */
            role: "user" | "assistant" | "system";
            /**
             * Token Count
             * @default 0
             */
            token_count?: number;
        };
        /**
         * MessagesPage
         * @description A page of messages, oldest first.
         */
        MessagesPage: {
            /** Items */
            items: components["schemas"]["Message"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * NewUserBody
         * @description Whom an admin adds.
         */
        NewUserBody: {
            /** Email */
            email: string;
            /**
             * First Name
             * @default
             */
            first_name?: string;
            /**
             * Last Name
             * @default
             */
            last_name?: string;
            /**
             * Password
             * @default null
             */
            password?: string | null;
            /**
             * Role
             * @default developer
             * @enum {string}
             */
            role?: "admin" | "developer" | "manager" | "viewer";
        };
        /**
         * Note
         * @description Something to remember that needs more than its text: why, since when, and so on.
         */
        Note: {
            /** Text */
            text: string;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * NotesBody
         * @description The facts or decisions to add or to remove: texts, or objects with a ``text``.
         */
        NotesBody: {
            /** Items */
            items: (string | components["schemas"]["Note"])[];
        };
        /**
         * PairBody
         * @description The workspace session that is to be worked in, where there is one.
         */
        PairBody: {
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * PasswordBody
         * @description The present password, where there is one, and the new one.
         */
        PasswordBody: {
            /**
             * Current Password
             * @default null
             */
            current_password?: string | null;
            /** New Password */
            new_password: string;
        };
        /**
         * Position
         * @description A place in a text: both count from 0.
         */
        Position: {
            /** Character */
            character: number;
            /** Line */
            line: number;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Problem
         * @description A problem document, RFC 9457; ``code`` is stable, ``detail`` is one sentence for a person.
         */
        Problem: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /** Details */
            details?: {
                [key: string]: unknown;
            };
            /** Request Id */
            request_id: string;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /** Type */
            type: string;
        };
        /**
         * PublicAuthSession
         * @description A login as its user may see it.
         *
         *     Attributes:
         *         token_family: Shared by all that descend from one login.
         *         expires_at: End of the access token given with it.
         *         refresh_expires_at: End of the refresh token.
         *         workspace_session_id: What it was opened to work in; it may be gone.
         *         revoked_at: Since when it opens nothing.
         *         replaced_by: The next link of the family.
         */
        PublicAuthSession: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Expires At
             * Format: date-time
             */
            expires_at: string;
            /** Id */
            id: string;
            /**
             * Ip Address
             * @default
             */
            ip_address?: string;
            /**
             * Refresh Expires At
             * Format: date-time
             */
            refresh_expires_at: string;
            /**
             * Replaced By
             * @default null
             */
            replaced_by?: string | null;
            /**
             * Revoked At
             * @default null
             */
            revoked_at?: string | null;
            /** Tenant Id */
            tenant_id: string;
            /** Token Family */
            token_family: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * User Agent
             * @default
             */
            user_agent?: string;
            /** User Id */
            user_id: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * PublicUser
         * @description A user as everyone in the tenant may see them.
         *
         *     Attributes:
         *         email: Case-folded; unique in the tenant.
         *         role: ``viewer`` reads, ``developer`` writes own, ``manager`` reads all, ``admin`` does all.
         */
        PublicUser: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Email */
            email: string;
            /**
             * Email Verified
             * @default false
             */
            email_verified?: boolean;
            /**
             * First Name
             * @default
             */
            first_name?: string;
            /** Id */
            id: string;
            /**
             * Is Active
             * @default true
             */
            is_active?: boolean;
            /**
             * Last Login At
             * @default null
             */
            last_login_at?: string | null;
            /**
             * Last Name
             * @default
             */
            last_name?: string;
            /**
             * Role
             * @default developer
             * @enum {string}
             */
            role?: "admin" | "developer" | "manager" | "viewer";
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * RefreshBody
         * @description The refresh token of the newest pair.
         */
        RefreshBody: {
            /** Refresh Token */
            refresh_token: string;
        };
        /**
         * RegisterBody
         * @description Who opens an account.
         */
        RegisterBody: {
            /** Email */
            email: string;
            /**
             * First Name
             * @default
             */
            first_name?: string;
            /**
             * Last Name
             * @default
             */
            last_name?: string;
            /** Password */
            password: string;
        };
        /**
         * ReloadReport
         * @description Settings that were read anew: which are in force now, and which wait for a restart.
         */
        ReloadReport: {
            /** After Restart */
            after_restart: string[];
            /** Changed */
            changed: string[];
        };
        /**
         * ResetMessage
         * @description What was asked for is no longer kept: read everything anew and go on from the cursor.
         */
        ResetMessage: {
            /** Cursor */
            cursor: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "reset";
        };
        /**
         * RestoreBody
         * @description The snapshot to go back to.
         */
        RestoreBody: {
            /** Snapshot Id */
            snapshot_id: string;
        };
        /**
         * ResumeBody
         * @description Where work goes on: the latest session there is taken, or a new one of that name made.
         */
        ResumeBody: {
            /**
             * Git Branch
             * @default null
             */
            git_branch?: string | null;
            /**
             * Name
             * @default null
             */
            name?: string | null;
            /** Workspace Path */
            workspace_path: string;
        };
        /**
         * SessionBody
         * @description What a client writes of a session; what is left out has its default.
         */
        SessionBody: {
            /** Active Files */
            active_files?: string[];
            /** Breakpoints */
            breakpoints?: components["schemas"]["Breakpoint"][];
            /** Context Files */
            context_files?: string[];
            /**
             * Conversation Id
             * @default null
             */
            conversation_id?: string | null;
            editor_state?: components["schemas"]["EditorState"];
            /**
             * Git Branch
             * @default null
             */
            git_branch?: string | null;
            memory?: components["schemas"]["Memory"];
            /** Name */
            name: string;
            /** Related Sessions */
            related_sessions?: string[];
            /** Tags */
            tags?: string[];
            terminal_state?: components["schemas"]["TerminalState"];
            /** Workspace Path */
            workspace_path: string;
        };
        /**
         * SessionSummary
         * @description A session without its state.
         *
         *     Attributes:
         *         workspace_path: Root of the workspace it belongs to.
         *         parent_session_id: What it was forked from, while that exists.
         *         last_active_at: When it was last changed.
         */
        SessionSummary: {
            /**
             * Conversation Id
             * @default null
             */
            conversation_id?: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Git Branch
             * @default null
             */
            git_branch?: string | null;
            /** Id */
            id: string;
            /**
             * Last Active At
             * Format: date-time
             */
            last_active_at: string;
            /** Name */
            name: string;
            /**
             * Parent Session Id
             * @default null
             */
            parent_session_id?: string | null;
            /** Related Sessions */
            related_sessions?: string[];
            /** Tags */
            tags?: string[];
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** User Id */
            user_id: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /** Workspace Path */
            workspace_path: string;
        };
        /**
         * Setting
         * @description One setting.
         *
         *     Attributes:
         *         category: ``editor``, ``theme``, ``llm``, …
         *         key: Names it inside the category.
         *         value: Any JSON.
         */
        Setting: {
            /** Category */
            category: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /** Key */
            key: string;
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** User Id */
            user_id: string;
            value: components["schemas"]["JsonValue"];
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * SettingBody
         * @description The value to keep.
         */
        SettingBody: {
            value: components["schemas"]["JsonValue"];
        };
        /**
         * ShownSnapshot
         * @description A snapshot; what it holds is seen by comparing or restoring it.
         */
        ShownSnapshot: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /**
             * Label
             * @default null
             */
            label?: string | null;
            /**
             * Reason
             * @enum {string}
             */
            reason: "auto" | "manual" | "restore";
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /** Workspace Session Id */
            workspace_session_id: string;
        };
        /**
         * SnapshotBody
         * @description A label; a labelled snapshot is kept for good.
         */
        SnapshotBody: {
            /**
             * Label
             * @default null
             */
            label?: string | null;
        };
        /**
         * Span
         * @description From one place to another; of a selection, ``start`` is where it was begun and ``end`` where the cursor is.
         */
        Span: {
            end: components["schemas"]["Position"];
            start: components["schemas"]["Position"];
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Status
         * @description How the daemon is.
         */
        Status: {
            /**
             * Status
             * @enum {string}
             */
            status: "alive" | "ready" | "stopping";
        };
        /**
         * StatusReport
         * @description All that one wants to know of a daemon at a glance; nothing is stored for it, so a full disk does not hide it.
         *
         *     Attributes:
         *         clients: Open sockets that follow changes.
         *         feed_lag_ms: From the last pushed commit to its push; null before the first.
         *         warnings: What the user should know, one sentence each.
         */
        StatusReport: {
            /** Clients */
            clients: number;
            /** Config File */
            config_file: string;
            /** Feed Lag Ms */
            feed_lag_ms: number | null;
            /** Log File */
            log_file: string;
            /** Open Files */
            open_files: number | null;
            /** Pid */
            pid: number;
            /** Requests */
            requests: number;
            /** Resident Bytes */
            resident_bytes: number | null;
            /** Started At Ms */
            started_at_ms: number;
            store: components["schemas"]["StoreReport"];
            /** Version */
            version: string;
            /** Warnings */
            warnings: string[];
            /** Workspaces */
            workspaces: components["schemas"]["WorkspaceReport"][];
        };
        /**
         * StoreReport
         * @description The store: where it is, its size, and whether it can be written now.
         */
        StoreReport: {
            /** Commits */
            commits: number;
            /** Conflicts */
            conflicts: number;
            /** Epoch */
            epoch: string;
            /** Url */
            url: string;
            /** Used Bytes */
            used_bytes: number | null;
        };
        /**
         * Tab
         * @description One open editor.
         *
         *     Attributes:
         *         uri: What it shows, where a path does not tell.
         *         path: The file it shows.
         *         content: Of a dirty text: what is not saved yet.
         *         visible_range: What is scrolled into view.
         */
        Tab: {
            /**
             * Content
             * @default null
             */
            content?: string | null;
            /**
             * Dirty
             * @default false
             */
            dirty?: boolean;
            /**
             * Kind
             * @default text
             * @enum {string}
             */
            kind?: "text" | "diff" | "notebook" | "untitled" | "custom";
            /**
             * Language
             * @default null
             */
            language?: string | null;
            /**
             * Path
             * @default null
             */
            path?: string | null;
            /**
             * Pinned
             * @default false
             */
            pinned?: boolean;
            /**
             * Preview
             * @default false
             */
            preview?: boolean;
            /** Selections */
            selections?: components["schemas"]["Span"][];
            /**
             * Uri
             * @default null
             */
            uri?: string | null;
            /** @default null */
            visible_range?: components["schemas"]["Span"] | null;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * TagsBody
         * @description The tags to add or to remove.
         */
        TagsBody: {
            /** Items */
            items: string[];
        };
        /**
         * Tenant
         * @description A person by themselves (``self``), or an organization. Its ``tenant_id`` is its own id.
         */
        Tenant: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /**
             * Is Active
             * @default true
             */
            is_active?: boolean;
            /** Name */
            name: string;
            /** Owner User Id */
            owner_user_id: string;
            /**
             * Plan
             * @default free
             * @enum {string}
             */
            plan?: "free" | "starter" | "pro" | "enterprise";
            /**
             * @default {
             *       "features": {},
             *       "limits": {
             *         "requests_per_minute_max": 600000,
             *         "storage_bytes_max": 10000000000,
             *         "users_max": 5,
             *         "workspace_sessions_max": 10000
             *       }
             *     }
             */
            settings?: components["schemas"]["TenantSettings"];
            /** Tenant Id */
            tenant_id: string;
            /**
             * Type
             * @enum {string}
             */
            type: "self" | "organization";
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * TenantBody
         * @description What an admin may change of their own tenant; its plan's bounds are the highest.
         */
        TenantBody: {
            /** Name */
            name: string;
            settings?: components["schemas"]["TenantSettings"];
        };
        /**
         * TenantLimits
         * @description How much a tenant may keep and ask.
         */
        TenantLimits: {
            /**
             * Requests Per Minute Max
             * @default 600000
             */
            requests_per_minute_max?: number;
            /**
             * Storage Bytes Max
             * @default 10000000000
             */
            storage_bytes_max?: number;
            /**
             * Users Max
             * @default 5
             */
            users_max?: number;
            /**
             * Workspace Sessions Max
             * @default 10000
             */
            workspace_sessions_max?: number;
        };
        /**
         * TenantSettings
         * @description What a tenant may do.
         */
        TenantSettings: {
            /** Features */
            features?: {
                [key: string]: boolean;
            };
            /**
             * @default {
             *       "requests_per_minute_max": 600000,
             *       "storage_bytes_max": 10000000000,
             *       "users_max": 5,
             *       "workspace_sessions_max": 10000
             *     }
             */
            limits?: components["schemas"]["TenantLimits"];
        };
        /**
         * Terminal
         * @description One terminal; ``commands`` are its last ones, oldest first.
         */
        Terminal: {
            /** Args */
            args?: string[];
            /** Commands */
            commands?: components["schemas"]["Command"][];
            /**
             * Cwd
             * @default null
             */
            cwd?: string | null;
            /**
             * Is Active
             * @default false
             */
            is_active?: boolean;
            /**
             * Name
             * @default
             */
            name?: string;
            /**
             * Scrollback
             * @default
             */
            scrollback?: string;
            /**
             * Shell
             * @default null
             */
            shell?: string | null;
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * TerminalState
         * @description The terminals.
         */
        TerminalState: {
            /** Terminals */
            terminals?: components["schemas"]["Terminal"][];
        } & {
            [key: string]: components["schemas"]["JsonValue"];
        };
        /**
         * Ticket
         * @description A link that opens a browser's login once, within so many seconds.
         */
        Ticket: {
            /** Expires In */
            expires_in: number;
            /** Url */
            url: string;
        };
        /**
         * UserPatch
         * @description What an admin may change of a user; without a password only a new one opens the account.
         */
        UserPatch: {
            /** Email */
            email: string;
            /**
             * Email Verified
             * @default false
             */
            email_verified?: boolean;
            /**
             * First Name
             * @default
             */
            first_name?: string;
            /**
             * Is Active
             * @default true
             */
            is_active?: boolean;
            /**
             * Last Name
             * @default
             */
            last_name?: string;
            /**
             * Password
             * @default null
             */
            password?: string | null;
            /**
             * Role
             * @default developer
             * @enum {string}
             */
            role?: "admin" | "developer" | "manager" | "viewer";
        };
        /**
         * Version
         * @description The program's version and the API's.
         */
        Version: {
            /** Api */
            api: number;
            /** Version */
            version: string;
        };
        /**
         * WatchedWorkspace
         * @description A watched folder with the progress of its index.
         */
        WatchedWorkspace: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /** Path */
            path: string;
            progress: components["schemas"]["WorkspaceProgress"];
            /** Tenant Id */
            tenant_id: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
        };
        /**
         * WholeConversation
         * @description A conversation with a page of its messages.
         */
        WholeConversation: {
            /** Ai Provider */
            ai_provider: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Description
             * @default
             */
            description?: string;
            /** Id */
            id: string;
            /**
             * Message Count
             * @default 0
             */
            message_count?: number;
            messages: components["schemas"]["MessagesPage"];
            /** Related Conversations */
            related_conversations?: string[];
            /**
             * Status
             * @default active
             * @enum {string}
             */
            status?: "active" | "archived" | "deleted";
            /**
             * Summary
             * @default
             */
            summary?: string;
            /** Tags */
            tags?: string[];
            /** Tenant Id */
            tenant_id: string;
            /** Title */
            title: string;
            /**
             * Token Count
             * @default 0
             */
            token_count?: number;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** User Id */
            user_id: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /**
             * Workspace Session Id
             * @default null
             */
            workspace_session_id?: string | null;
        };
        /**
         * WorkspaceBody
         * @description The folder to watch, as an absolute path.
         */
        WorkspaceBody: {
            /** Path */
            path: string;
        };
        /**
         * WorkspaceProgress
         * @description How far a workspace's index is; kept in memory only.
         *
         *     Attributes:
         *         state: ``scanning`` compares the whole tree; ``watching`` follows events; ``polling`` compares now and then
         *             because
         *             the system gives no events; ``frozen`` has lost its root and keeps what it knows; ``stopped`` does nothing.
         *         files_seen: Files that the comparison under way, or the last one, found on disk.
         *         files_hashed: Of those, read and hashed.
         *         files_indexed: Of those, written to the store.
         *         bytes_hashed: Bytes read for it.
         *         seconds: How long the comparison has taken so far, or took.
         *         files_expected: How many files it will find, as far as that is known: as many as the last one found, or as git
         *             tracks.
         *         files_per_second: Found so far, by the time that it has taken.
         *         seconds_left: At that rate, to ``files_expected``; None where there is nothing to go by.
         *         warnings: What the user should know, one sentence each.
         */
        WorkspaceProgress: {
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
             * Warnings
             * @default []
             */
            warnings?: string[];
        };
        /**
         * WorkspaceReport
         * @description A watched folder, and how far its index is.
         */
        WorkspaceReport: {
            /** Id */
            id: string;
            /** Path */
            path: string;
            progress: components["schemas"]["WorkspaceProgress"];
            /** Tenant Id */
            tenant_id: string;
        };
        /**
         * WorkspaceSession
         * @description A session with its state.
         *
         *     Attributes:
         *         active_files: Files that are worked on.
         *         context_files: Files that a conversation is given.
         */
        WorkspaceSession: {
            /** Active Files */
            active_files?: string[];
            /** Breakpoints */
            breakpoints?: components["schemas"]["Breakpoint"][];
            /** Context Files */
            context_files?: string[];
            /**
             * Conversation Id
             * @default null
             */
            conversation_id?: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            editor_state?: components["schemas"]["EditorState"];
            /**
             * Git Branch
             * @default null
             */
            git_branch?: string | null;
            /** Id */
            id: string;
            /**
             * Last Active At
             * Format: date-time
             */
            last_active_at: string;
            memory?: components["schemas"]["Memory"];
            /** Name */
            name: string;
            /**
             * Parent Session Id
             * @default null
             */
            parent_session_id?: string | null;
            /** Related Sessions */
            related_sessions?: string[];
            /** Tags */
            tags?: string[];
            /** Tenant Id */
            tenant_id: string;
            terminal_state?: components["schemas"]["TerminalState"];
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** User Id */
            user_id: string;
            /**
             * Version
             * @default 1
             */
            version?: number;
            /** Workspace Path */
            workspace_path: string;
        };
    };
    responses: {
        /** @description Bad Request. Codes: invalid, invalid_cursor, invalid_idempotency_key, invalid_if_match, invalid_json, invalid_path, password_changed, http_error. */
        400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unauthorized. Codes: account_inactive, invalid_browser_token, invalid_credentials, invalid_pairing_key, invalid_refresh_token, invalid_ticket, invalid_token, login_ended, refresh_token_expired, refresh_token_reused, token_expired, token_revoked, unauthenticated. */
        401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden. Codes: browser_login, csrf, forbidden, foreign_host, foreign_origin, limit_exceeded, not_owner, not_the_machines, owner, plan_limit, role. */
        403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found. Codes: no_such_route, not_found. */
        404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Method Not Allowed. Codes: method_not_allowed. */
        405: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request Timeout. Codes: request_timeout. */
        408: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict. Codes: busy, conflict, own_tenant, owner. */
        409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Gone. Codes: cursor_expired. */
        410: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Length Required. Codes: length_required. */
        411: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Precondition Failed. Codes: version_conflict. */
        412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request Entity Too Large. Codes: body_too_large. */
        413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unsupported Media Type. Codes: unsupported_media_type. */
        415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unprocessable Entity. Codes: idempotency_key_reused. */
        422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests. Codes: rate_limited. */
        429: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable. Codes: busy, file_system_silent, too_many_polls, too_many_sockets, unavailable. */
        503: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_agents: {
        parameters: {
            query?: {
                agent_type?: "coordinator" | "specialist" | "sub_agent";
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Agent"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_agents: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgentBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_agents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    put_agents_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgentBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_agents_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    patch_agents_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    agent_type?: unknown;
                    config?: unknown;
                    is_active?: unknown;
                    memory?: unknown;
                    name?: unknown;
                };
                "application/merge-patch+json": {
                    agent_type?: unknown;
                    config?: unknown;
                    is_active?: unknown;
                    memory?: unknown;
                    name?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_audit: {
        parameters: {
            query?: {
                cursor?: string;
                event?: string;
                limit?: number;
                since?: string;
                until?: string;
                user_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Audit"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_keys_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Keys"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_pair: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PairBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_auth_sessions: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["PublicAuthSession"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_auth_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_auth_tickets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_backups: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BackupBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupReport"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_changes: {
        parameters: {
            query?: {
                since?: string;
                topics?: string;
                wait?: number;
                workspace_path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangesMessage"] | components["schemas"]["ResetMessage"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_conversations: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
                status?: "active" | "archived" | "deleted";
                user_id?: string;
                workspace_session_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Conversation"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_conversations: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConversationBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_conversations_id: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WholeConversation"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_conversations_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    patch_conversations_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    ai_provider?: unknown;
                    description?: unknown;
                    related_conversations?: unknown;
                    status?: unknown;
                    summary?: unknown;
                    tags?: unknown;
                    title?: unknown;
                };
                "application/merge-patch+json": {
                    ai_provider?: unknown;
                    description?: unknown;
                    related_conversations?: unknown;
                    status?: unknown;
                    summary?: unknown;
                    tags?: unknown;
                    title?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_conversations_id_messages: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Message"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_conversations_id_messages: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MessageBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_conversations_id_tags_add: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagsBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_conversations_id_tags_remove: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagsBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            403: components["responses"]["403"];
            503: components["responses"]["503"];
        };
    };
    get_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Switching Protocols */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_export: {
        parameters: {
            query?: {
                everybody?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_files: {
        parameters: {
            query?: {
                cursor?: string;
                include_deleted?: boolean;
                limit?: number;
                prefix?: string;
                session_id?: string;
                workspace_path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["File"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_files_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["File"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_files_by_path: {
        parameters: {
            query: {
                path: string;
                workspace_path: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["File"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_hello: {
        parameters: {
            query: {
                nonce: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Hello"];
                };
            };
            400: components["responses"]["400"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            503: components["responses"]["503"];
        };
    };
    post_import: {
        parameters: {
            query?: {
                everybody?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-ndjson": string;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Imported"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: components["schemas"]["JsonValue"];
                    };
                };
            };
            403: components["responses"]["403"];
            503: components["responses"]["503"];
        };
    };
    post_reload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmptyBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReloadReport"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            411: components["responses"]["411"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_search: {
        parameters: {
            query: {
                cursor?: string;
                kind?: "sessions" | "conversations" | "messages";
                limit?: number;
                q: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Found"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions: {
        parameters: {
            query?: {
                cursor?: string;
                git_branch?: string;
                limit?: number;
                tag?: string;
                user_id?: string;
                workspace_path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SessionSummary"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    put_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    patch_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    active_files?: unknown;
                    breakpoints?: unknown;
                    context_files?: unknown;
                    conversation_id?: unknown;
                    editor_state?: unknown;
                    git_branch?: unknown;
                    memory?: unknown;
                    name?: unknown;
                    related_sessions?: unknown;
                    tags?: unknown;
                    terminal_state?: unknown;
                    workspace_path?: unknown;
                };
                "application/merge-patch+json": {
                    active_files?: unknown;
                    breakpoints?: unknown;
                    context_files?: unknown;
                    conversation_id?: unknown;
                    editor_state?: unknown;
                    git_branch?: unknown;
                    memory?: unknown;
                    name?: unknown;
                    related_sessions?: unknown;
                    tags?: unknown;
                    terminal_state?: unknown;
                    workspace_path?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions_id_children: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SessionSummary"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_decisions_add: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotesBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_decisions_remove: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotesBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_facts_add: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotesBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_facts_remove: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotesBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_fork: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForkBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions_id_related: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SessionSummary"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_restore: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RestoreBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions_id_snapshots: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ShownSnapshot"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_snapshots: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SnapshotBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShownSnapshot"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_sessions_id_snapshots_diff: {
        parameters: {
            query: {
                from_id: string;
                to_id?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Differences"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_tags_add: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagsBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_id_tags_remove: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagsBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_sessions_resume: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumeBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkspaceSession"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_settings: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Setting"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_settings_category_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                category: string;
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Setting"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    put_settings_category_key: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                category: string;
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Setting"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Setting"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_settings_category_key: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                category: string;
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusReport"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_tenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    patch_tenant: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name?: unknown;
                    settings?: unknown;
                };
                "application/merge-patch+json": {
                    name?: unknown;
                    settings?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_users: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["PublicUser"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_users: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUserBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicUser"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_users_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    patch_users_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    email?: unknown;
                    email_verified?: unknown;
                    first_name?: unknown;
                    is_active?: unknown;
                    last_name?: unknown;
                    password?: unknown;
                    role?: unknown;
                };
                "application/merge-patch+json": {
                    email?: unknown;
                    email_verified?: unknown;
                    first_name?: unknown;
                    is_active?: unknown;
                    last_name?: unknown;
                    password?: unknown;
                    role?: unknown;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicUser"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_users_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicUser"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    put_users_me: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MeBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicUser"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    put_users_me_password: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_version: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Version"];
                };
            };
            403: components["responses"]["403"];
            503: components["responses"]["503"];
        };
    };
    get_workspaces: {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["WatchedWorkspace"][];
                        next_cursor: string | null;
                    };
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_workspaces: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WorkspaceBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WatchedWorkspace"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WatchedWorkspace"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_workspaces_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WatchedWorkspace"];
                };
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    delete_workspaces_id: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            422: components["responses"]["422"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    post_workspaces_id_rescan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WatchedWorkspace"];
                };
            };
            /** @description Done, as preferred without the record. */
            204: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            408: components["responses"]["408"];
            409: components["responses"]["409"];
            413: components["responses"]["413"];
            415: components["responses"]["415"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            403: components["responses"]["403"];
            503: components["responses"]["503"];
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            403: components["responses"]["403"];
            503: components["responses"]["503"];
        };
    };
    get_open_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                ticket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description See Other */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400"];
            401: components["responses"]["401"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            429: components["responses"]["429"];
            503: components["responses"]["503"];
        };
    };
    get_readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            403: components["responses"]["403"];
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
}
